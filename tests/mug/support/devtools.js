/**
 * What the browser tells of one tab, beyond WebDriver: requests that wait for an answer, and messages on its sockets.
 */
export class Devtools {
  #connection;

  /** @param {any} connection */
  constructor(connection) {
    this.#connection = connection;
  }

  /** @param {import('selenium-webdriver').WebDriver} driver which shows the tab that is meant, and no other */
  static async connect(driver) {
    const untyped = /** @type {any} */ (driver);
    return new Devtools(await untyped.createCDPConnection('page'));
  }

  /** @param {string} method @param {object} [params] */
  async send(method, params = {}) {
    const { error, result } = await this.#connection.send(method, params);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** Without waiting for the answer. @param {string} method @param {object} params */
  tell(method, params) {
    this.#connection.execute(method, params, null);
  }

  /** @param {string} method @param {(params: any) => void} handle */
  on(method, handle) {
    this.#connection._wsConnection.on('message', (/** @type {Buffer} */ message) => {
      const told = JSON.parse(message.toString());
      if (told.method === method) handle(told.params);
    });
  }

  close() {
    this.#connection._wsConnection.close();
  }
}
