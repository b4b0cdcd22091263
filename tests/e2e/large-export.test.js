// Tens of megabytes of data: they go up in chunks, over a line that breaks, and are stored whole.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { bareSession } from './support/bare-session.js';
import { study } from './support/study.js';
import { until } from './support/wait.js';

const MEBIBYTE = 1024 * 1024;
const SIZE = 20 * MEBIBYTE;

study(
  '20 MB of metrics: cut off on the way up, taken up where they were, stored whole',
  {
    metadata: { reconnect_grace_ms: 30_000, export_ack_timeout_ms: 30_000, silence_exclude_ms: null },
    tolerated: /ada: .*(ERR_|WebSocket|socket\.io|api\/)/,
  },
  async (running) => {
    const line = await running.line();
    const [a, b] = await Promise.all([running.participant('ada', { origin: line.url }), running.participant('bert')]);
    await Promise.all([bareSession.open(a), bareSession.open(b)]);
    const sha256 = await bareSession.fill(a, SIZE);
    const before = line.sent;
    await bareSession.complete(a);
    await bareSession.complete(b);

    const received = () => running.database.uploads(a.participantId)[0]?.received ?? 0;
    await until('some chunks to be stored', () => received() >= 2 * MEBIBYTE, { every: 5 });
    line.cut();
    const inTheMiddle = received();
    assert.ok(running.database.exports(a.participantId).every(({ source }) => source === 'server'));
    line.mend();

    const fromA = await running.exportOf(a);
    assert.equal(fromA.encoding, 'gzip');
    assert.equal(fromA.is_partial, 0);
    const { text } = fromA.metrics.big;
    assert.equal(text.length, SIZE);
    assert.equal(createHash('sha256').update(text).digest('hex'), sha256);
    await until('nothing to be left over', () => running.database.uploads(a.participantId).length === 0);

    const stored = running.database.storedBytes(a.participantId, fromA.export_id);
    assert.ok(inTheMiddle < stored, `${inTheMiddle} of ${stored} bytes were stored when the line broke`);
    // What had arrived did not go over the line again: one chunk may have been on its way.
    const over = line.sent - before - stored;
    assert.ok(over < 2 * MEBIBYTE, `${over} bytes more than the data have gone over the line`);
    assert.equal((await running.exportOf(b)).is_partial, 0);
    await running.allGamesEnded();
  },
);
