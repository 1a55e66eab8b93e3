/** An API key without its text. The log has only a hash of the text: a key that is lost cannot be shown again. */
export interface ApiKey {
  /** The part of the key that is no secret. */
  readonly id: string
  /** The name of the principal. */
  readonly name: string
  /** The scopes of the key, beside those that a policy gives the principal. */
  readonly scopes: readonly string[]
  /** The sources as which the principal publishes. Default: those of a policy, or else its name. */
  readonly sources?: readonly string[]
  /** ms since the epoch, as all times here. */
  readonly createdAt: number
  readonly createdBy: string
  /** `null`: the key does not expire. */
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

/** A new key with its text, which cannot be shown again later. */
export interface IssuedApiKey {
  /** The text of the key, `tradpal_<id>_<secret>`. */
  readonly key: string
  readonly apiKey: ApiKey
}

export interface ListedApiKey extends ApiKey {
  /** To the minute; `null` when it never was. */
  readonly lastUsedAt: number | null
}
