import { gunzipSync } from 'node:zlib';
import Database from 'libsql';

/**
 * @typedef {object} GameRow
 * @property {string} game_id
 * @property {string} experiment_id
 * @property {string} scene_id
 * @property {string} phase
 *
 * @typedef {object} SeatRow
 * @property {string} game_id
 * @property {string} participant_id
 * @property {unknown} player_id
 * @property {string | null} outcome
 * @property {string | null} completion_code
 * @property {number | null} left_at_ms
 * @property {number | null} left_frame
 *
 * @typedef {object} ExportRow
 * @property {string} participant_id
 * @property {string} export_id
 * @property {string} game_id
 * @property {string} scene_id
 * @property {string} source
 * @property {number} received_at_ms
 * @property {number} is_partial
 * @property {string} termination_reason
 * @property {number} termination_frame
 * @property {number} completed_episodes
 * @property {'json' | 'gzip'} encoding
 * @property {Record<string, any>} metrics the whole document, also if it came in chunks
 */

/** Reads the server's SQLite file while the server is running. */
export class StudyDatabase {
  #path;

  /** @param {string} path */
  constructor(path) {
    this.#path = path;
  }

  /**
   * Each read opens the file anew, so that no snapshot of an earlier read can hide what has been committed since.
   *
   * @param {string} sql
   * @param {...unknown} parameters
   * @returns {any[]}
   */
  #read(sql, ...parameters) {
    const database = new Database(this.#path, { fileMustExist: true, timeout: 5000 });
    try {
      database.exec('PRAGMA query_only = ON');
      return database.prepare(sql).all(...parameters);
    } finally {
      database.close();
    }
  }

  /** @returns {GameRow[]} */
  games() {
    return this.#read('SELECT game_id, experiment_id, scene_id, phase FROM games ORDER BY created_at_ms');
  }

  /** @returns {SeatRow[]} */
  seats() {
    const rows = this.#read(
      'SELECT game_id, participant_id, player_id, outcome, completion_code, left_at_ms, left_frame FROM seats',
    );
    return rows.map((row) => ({ ...row, player_id: JSON.parse(row.player_id) }));
  }

  /**
   * @param {string} participantId
   * @returns {SeatRow | undefined}
   */
  seat(participantId) {
    return this.seats().find((row) => row.participant_id === participantId);
  }

  /**
   * @param {string} participantId
   * @returns {ExportRow[]}
   */
  exports(participantId) {
    const rows = this.#read(
      `SELECT participant_id, export_id, game_id, scene_id, source, received_at_ms, is_partial, termination_reason,
              termination_frame, completed_episodes, encoding, metrics
         FROM exports WHERE participant_id = ? ORDER BY received_at_ms`,
      participantId,
    );
    return rows.map((row) => {
      const text = row.encoding === 'gzip' ? this.#unpacked(participantId, row.export_id) : row.metrics;
      return { ...row, metrics: JSON.parse(text) };
    });
  }

  /**
   * @param {string} participantId
   * @param {string} exportId
   * @returns {Buffer[]} what has arrived in chunks
   */
  #chunks(participantId, exportId) {
    const sql = 'SELECT bytes FROM export_chunks WHERE participant_id = ? AND export_id = ? ORDER BY "offset"';
    return this.#read(sql, participantId, exportId).map(({ bytes }) => Buffer.from(bytes));
  }

  /**
   * @param {string} participantId
   * @param {string} exportId
   * @returns {number} the size of an export that came in chunks, as it came
   */
  storedBytes(participantId, exportId) {
    return this.#chunks(participantId, exportId).reduce((sum, { length }) => sum + length, 0);
  }

  /**
   * @param {string} participantId
   * @param {string} exportId
   * @returns {string}
   */
  #unpacked(participantId, exportId) {
    return gunzipSync(Buffer.concat(this.#chunks(participantId, exportId))).toString('utf8');
  }

  /**
   * @param {string} participantId
   * @returns {{ export_id: string, received: number, chunks: number }[]} exports of which a part has arrived
   */
  uploads(participantId) {
    return this.#read('SELECT export_id, received, chunks FROM uploads WHERE participant_id = ?', participantId);
  }
}
