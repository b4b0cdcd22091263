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
 * @property {Record<string, any>} metrics
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
    const rows = this.#read('SELECT game_id, participant_id, player_id, outcome, completion_code FROM seats');
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
              termination_frame, completed_episodes, metrics
         FROM exports WHERE participant_id = ? ORDER BY received_at_ms`,
      participantId,
    );
    return rows.map((row) => ({ ...row, metrics: JSON.parse(row.metrics) }));
  }
}
