// The database is saved while it is used, lost, and brought back: docs/OPERATIONS.md says how.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTime, until } from '../e2e/support/wait.js';
import { books, pairsApart, withCluster } from './support/cluster.js';

test('a database that was saved, lost and brought back keeps every promise that it had made until then', async (t) => {
  await withCluster(t, 2, async (running) => {
    const { database, nodes } = running;
    const [[ada, bert], [cora, dan]] = await pairsApart(running, 'saved', 2);
    let release = () => {};
    bert.mayExport = new Promise((resolve) => {
      release = () => resolve(undefined);
    });
    await ada.exclude();
    await inTime('the excluded', ada.through, 30_000);
    await until('the partner to be told', () => bert.told.length === 1);
    const saved = database.save();
    await Promise.all(nodes.map((node) => node.crash()));
    database.restore(saved);
    await Promise.all(nodes.map((node) => node.startAgain()));

    release();
    await inTime('the partner', bert.through, 60_000);
    await until('who played to play on', () => cora.connected && dan.connected);
    await Promise.all([cora.complete(), dan.complete()]);
    await inTime('the game', Promise.all([cora.through, dan.through]), 60_000);
    assert.equal(bert.told.length, 1);
    const said = await books(database);
    assert.deepEqual(said.get(ada.participantId), { outcome: 'excluded', source: 'client', entries: 1 });
    assert.deepEqual(said.get(bert.participantId), { outcome: 'partner_excluded', source: 'client', entries: 1 });
    assert.deepEqual(said.get(cora.participantId), { outcome: 'completed', source: 'client', entries: 1 });
  });
});
