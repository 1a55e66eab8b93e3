/** An API key, and a token (RFC 7519), as they stand in a text. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/tradpal_([A-Za-z0-9]{12})_[A-Za-z0-9_-]+/g, 'tradpal_$1_…'],
  [/eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+/g, 'eyJ…']
]

/** A text that a caller made up, as it may be written down: callers put credentials into paths and names, where they do not belong. Of a key its id stays. */
export function withoutSecrets(text: string): string {
  return SECRETS.reduce((shown, [secret, instead]) => shown.replace(secret, instead), text)
}
