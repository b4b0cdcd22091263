// What the servers rest on goes away for a while, and comes back.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inTime, until } from '../e2e/support/wait.js';
import { books, pairsApart, withCluster } from './support/cluster.js';

test('without Redis only the actions between servers are missing', async (t) => {
  await withCluster(t, 2, async (running) => {
    const { relay, database } = running;
    const [[ada, bert], [cora, dan]] = await pairsApart(running, 'redis', 2);
    await until('partners to hear each other', () => ada.heard.length > 5 && cora.heard.length > 5);
    await relay.stop();
    await ada.exclude();
    await inTime('the ending', Promise.all([ada.through, bert.through]), 30_000);
    assert.equal(bert.told.length, 1);
    await relay.start();
    const heard = dan.heard.length;
    await until('partners to hear each other again', () => dan.heard.length > heard + 20);
    await Promise.all([cora.complete(), dan.complete()]);
    await inTime('the game', Promise.all([cora.through, dan.through]), 30_000);
    const said = await books(database);
    assert.equal(said.get(bert.participantId)?.outcome, 'partner_excluded');
    assert.equal(said.get(cora.participantId)?.outcome, 'completed');
  });
});

test('a database that is started anew in the middle of endings loses nothing and leaves nobody waiting', async (t) => {
  await withCluster(t, 2, async (running) => {
    const { database } = running;
    const pairs = await pairsApart(running, 'database', 6);
    const excluding = pairs.map(([one]) => one.exclude());
    await Promise.race(excluding);
    await database.stop();
    // Some are refused meanwhile, and ask again.
    await until('somebody to be refused', () =>
      pairs.flat().some((client) => client.refusals.length > 0 || client.finished),
    );
    await database.start();
    await Promise.all(excluding);
    await inTime('everybody', Promise.all(pairs.flat().map((client) => client.through)), 60_000);
    const said = await books(database);
    for (const [excluded, partner] of pairs) {
      assert.equal(partner.told.length, 1, partner.participantId);
      assert.deepEqual(said.get(excluded.participantId), { outcome: 'excluded', source: 'client', entries: 1 });
      assert.deepEqual(said.get(partner.participantId), { outcome: 'partner_excluded', source: 'client', entries: 1 });
    }
    // Nobody was taken for dead, and newcomers find their games.
    const [[ada, bert]] = await pairsApart(running, 'after', 1);
    await Promise.all([ada.complete(), bert.complete()]);
    await inTime('the last game', Promise.all([ada.through, bert.through]), 30_000);
  });
});
