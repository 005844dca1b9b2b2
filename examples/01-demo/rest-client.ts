/** The REST API, as any program would use it. */
export class RestClient {
  readonly #url: string
  #accessToken: string | undefined

  constructor(url: string) {
    this.#url = url
  }

  get accessToken(): string | undefined {
    return this.#accessToken
  }

  /** From now on requests are made with this token. */
  authorize(accessToken: string): void {
    this.#accessToken = accessToken
  }

  get<T>(path: string): Promise<T> {
    return this.#send('GET', path)
  }

  post<T>(path: string, body?: unknown): Promise<T> {
    return this.#send('POST', path, body)
  }

  delete<T>(path: string): Promise<T> {
    return this.#send('DELETE', path)
  }

  /** What is said against a request that has to be refused. */
  async refusal(path: string, body: unknown): Promise<{ code: string; detail: string }> {
    const response = await this.#ask('POST', path, body)
    const text = await response.text()
    if (response.ok) throw new Error(`POST ${path} was not refused: ${text}`)
    return JSON.parse(text)
  }

  async #send<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.#ask(method, path, body)
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} was answered with ${response.status}: ${text}`)
    return JSON.parse(text) as T
  }

  #ask(method: string, path: string, body?: unknown): Promise<Response> {
    return fetch(`${this.#url}${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(this.#accessToken !== undefined && { authorization: `Bearer ${this.#accessToken}` }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  }
}
