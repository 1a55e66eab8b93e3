/** The forms of an API key and of a token (RFC 7519) in a text. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/tradpal_([A-Za-z0-9]{12})_[A-Za-z0-9_-]+/g, 'tradpal_$1_…'],
  [/eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+/g, 'eyJ…']
]

/** A text of a caller without the API keys and tokens in it, for logs: callers put credentials into paths and names by mistake. The id of a key stays. */
export function withoutSecrets(text: string): string {
  return SECRETS.reduce((shown, [secret, instead]) => shown.replace(secret, instead), text)
}
