// A server is killed in the middle of endings. What it had to do, others do; who was there, goes on elsewhere.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTime, until } from '../e2e/support/wait.js';
import { books, pairsApart, placesOf, withCluster } from './support/cluster.js';

const GAMES = 6;

test('games of a server that is killed go on with the others, and end as they would have', async (t) => {
  await withCluster(t, 3, async (running) => {
    const { nodes, database } = running;
    const ending = await pairsApart(running, 'ending', GAMES);
    const played = await pairsApart(running, 'played', GAMES);
    // Everybody reports at once; the server dies while the answers are on their way.
    const excluding = ending.map(([one]) => one.exclude());
    await Promise.race(excluding);
    const before = placesOf(database);
    await nodes[0].crash();
    const all = [...ending, ...played].flat();
    await inTime(
      'everybody to be connected again',
      until('connections', () => all.every((client) => client.connected)),
      30_000,
    );
    await Promise.all(excluding);
    await inTime('the endings', Promise.all(ending.flat().map((client) => client.through)), 40_000);
    for (const [excluded, partner] of ending) {
      assert.equal(partner.told.length, 1, partner.participantId);
      assert.equal(excluded.told.length, 0, excluded.participantId);
    }
    // Those who play hear each other again, wherever they are now.
    const counts = played.flat().map((client) => client.heard.length);
    await until('everybody to hear their partner again', () =>
      played.flat().every((client, index) => client.heard.length > counts[index] + 20),
    );
    const after = placesOf(database);
    const moved = played.flat().filter(({ participantId }) => before.get(participantId) !== after.get(participantId));
    assert.ok(moved.length > 0, 'somebody played on the server that died');
    t.diagnostic(`${moved.length} of ${2 * GAMES} players moved`);
    await Promise.all(played.flat().map((client) => client.complete()));
    await inTime('the games', Promise.all(played.flat().map((client) => client.through)), 40_000);
    const said = await books(database);
    for (const [excluded, partner] of ending) {
      assert.equal(said.get(excluded.participantId)?.outcome, 'excluded');
      assert.equal(said.get(partner.participantId)?.outcome, 'partner_excluded');
    }
    for (const client of played.flat()) assert.equal(said.get(client.participantId)?.outcome, 'completed');
    for (const client of all) {
      assert.deepEqual(
        [said.get(client.participantId)?.source, said.get(client.participantId)?.entries],
        ['client', 1],
      );
    }
    await until('the dead one to be out of the books', () => database.ask('SELECT 1 FROM nodes').length === 2);
  });
});

test('who never comes back from a dead server is waited for, and then the partner is let go', async (t) => {
  await withCluster(t, 2, async (running) => {
    const { nodes, database } = running;
    const [pair] = await pairsApart(running, 'left', 1);
    await nodes[0].crash();
    // Which of the two was there shows by who loses the line.
    await until('one of them to lose the line', () => pair.some((client) => !client.connected), { every: 1 });
    const gone = pair[0].connected ? pair[1] : pair[0];
    const stays = pair[0].connected ? pair[0] : pair[1];
    gone.leave();
    await inTime('the one who stays', stays.through, 60_000);
    const said = await books(database);
    assert.equal(said.get(stays.participantId)?.outcome, 'partner_disconnected');
    assert.equal(said.get(gone.participantId)?.outcome, 'disconnected');
    assert.equal(said.get(gone.participantId)?.source, 'server');
  });
});
