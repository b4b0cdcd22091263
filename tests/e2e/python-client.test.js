// python-socketio plays both roles: nothing in it was written with this server in mind.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { playRoles, whyNoPython } from './support/python.js';
import { Server } from './support/server.js';
import { configuration, Study } from './support/study.js';

const skip = (await whyNoPython()) ?? false;

/**
 * @param {string} scenario
 * @param {(study: Study) => void | Promise<void>} check
 */
async function play(scenario, check) {
  // Silence is not what is tried here, and Python does not speak unasked.
  const server = await Server.start({ config: configuration({ metadata: { silence_exclude_ms: 120_000 } }) });
  try {
    assert.equal((await playRoles(server.url, scenario)).trim(), `${scenario}: ok`);
    await check(new Study(server));
    await server.stop();
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${server.log}`);
  } finally {
    await server.kill();
  }
}

test('python-socketio is excluded, and is the partner of the excluded', { skip }, () =>
  play('exclusion', async (study) => {
    const expected = /** @type {const} */ ([
      ['py-ada', 'export-of-a', 'sustained_ping', 'excluded'],
      ['py-bert', 'export-of-b', 'partner_exclusion', 'partner_excluded'],
    ]);
    for (const [participant, exportId, reason, outcome] of expected) {
      const rows = study.database.exports(participant);
      assert.deepEqual(
        rows.map((row) => [row.export_id, row.source, row.is_partial, row.termination_reason, row.termination_frame]),
        [[exportId, 'client', 1, reason, 42]],
      );
      assert.equal(study.database.seat(participant)?.outcome, outcome);
    }
    await study.allGamesEnded();
  }),
);

test('python-socketio plays to the end', { skip }, () =>
  play('completion', async (study) => {
    for (const participant of ['py-ada', 'py-bert']) {
      const rows = study.database.exports(participant);
      assert.deepEqual(
        rows.map((row) => [row.is_partial, row.termination_reason, row.termination_frame, row.completed_episodes]),
        [[0, 'normal', 119, 2]],
      );
      assert.equal(study.database.seat(participant)?.outcome, 'completed');
    }
    await study.allGamesEnded();
  }),
);

test('python-socketio sends what it must not, is refused, and may go on', { skip }, () =>
  play('bad-payloads', (study) => {
    assert.deepEqual([...study.database.exports('py-ada'), ...study.database.exports('py-bert')].length, 0);
  }),
);
