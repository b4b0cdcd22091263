// Two servers behind the load balancer: who plays together does not sit together.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { io } from 'socket.io-client';
import { inTime, until } from '../e2e/support/wait.js';
import { books, pairsApart, withCluster } from './support/cluster.js';

test('partners on different servers play, and an exclusion on one is told on the other', async (t) => {
  await withCluster(t, 2, async (running) => {
    const [[ada, bert], [cora, dan]] = await pairsApart(running, 'apart', 2);
    await until('everybody to hear their partner', () =>
      [ada, bert, cora, dan].every((client) => client.heard.length > 20),
    );
    for (const client of [ada, bert]) {
      const frames = client.heard.map(([frame]) => frame);
      assert.deepEqual(
        frames,
        frames.toSorted((one, other) => one - other),
        'in the order in which they were sent',
      );
    }
    await ada.exclude();
    await cora.complete();
    await dan.complete();
    await inTime('all of them', Promise.all([ada, bert, cora, dan].map((client) => client.through)), 30_000);
    assert.equal(bert.told.length, 1);
    const said = await books(running.database);
    const outcomes = [ada, bert, cora, dan].map((client) => said.get(client.participantId));
    assert.deepEqual(outcomes, [
      { outcome: 'excluded', source: 'client', entries: 1 },
      { outcome: 'partner_excluded', source: 'client', entries: 1 },
      { outcome: 'completed', source: 'client', entries: 1 },
      { outcome: 'completed', source: 'client', entries: 1 },
    ]);
  });
});

test('a client that polls finds its session again, and one that upgrades too', async (t) => {
  await withCluster(t, 2, async ({ url }) => {
    for (const transports of [['polling'], ['polling', 'websocket']]) {
      const sockets = await Promise.all(
        ['one', 'other'].map(async (name) => {
          const socket = io(url, { transports, forceNew: true, withCredentials: true });
          const participant_id = `${transports.length}-${name}`;
          const answer = await socket.timeout(10_000).emitWithAck('join_game', { participant_id });
          assert.equal(answer.ok, true, JSON.stringify(answer));
          return socket;
        }),
      );
      for (const socket of sockets) {
        for (let seq = 0; seq < 20; seq += 1) {
          const answer = await socket.timeout(10_000).emitWithAck('ping', { ping_ms: 1, document_in_focus: true, seq });
          assert.equal(answer.seq, seq);
        }
        socket.disconnect();
      }
    }
  });
});
