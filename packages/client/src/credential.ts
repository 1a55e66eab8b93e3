import { EventSystemError } from '@tradpal/events'

/** A token, or what gives one. */
export type TokenSource = string | (() => string | Promise<string>)

/** What the client shows of itself with every request. Its text is in no error. */
export class Credential {
  readonly #source: TokenSource
  #token: Promise<string> | undefined

  constructor(source: TokenSource) {
    this.#source = source
  }

  /** Whether another can be had when one is refused. */
  get isRenewable(): boolean {
    return typeof this.#source === 'function'
  }

  /** Rejects with `unauthenticated` when there is none to be had. */
  async current(): Promise<string> {
    this.#token ??= this.#ask()
    return await this.#token
  }

  /** Another than the one that was refused; requests that are refused together ask once. */
  async renewed(refused: string): Promise<string> {
    const asked = this.#token
    if (asked !== undefined && (await asked) === refused && this.#token === asked) this.#token = this.#ask()
    return await this.current()
  }

  #ask(): Promise<string> {
    const asked = this.#given()
    asked.catch(() => {
      if (this.#token === asked) this.#token = undefined
    })
    return asked
  }

  async #given(): Promise<string> {
    if (typeof this.#source === 'string') return this.#source
    try {
      return checkedToken('token', await this.#source())
    } catch (cause) {
      if (cause instanceof EventSystemError) throw cause
      throw new EventSystemError('unauthenticated', 'The function given as token failed; its error is the cause.', {
        cause
      })
    }
  }
}

/** Throws `invalid_options` for what cannot stand in a header. */
export function checkedToken(name: string, token: unknown): string {
  if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return token
  throw new EventSystemError('invalid_options', `${name} must be a text of visible ASCII characters without blanks.`)
}
