/** What a secret looks like: an API key, a token, a private key, a password in a URL, and those that tests use as such. */
const SECRETS = [
  /tradpal_[A-Za-z0-9]{12}_[A-Za-z0-9_-]{20}/,
  /eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]+/,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----/,
  /\/\/[^/@\s"]*:[^/@\s"]+@/,
  /hunter2|s3cret/
]

const leaks: string[] = []

/** The lines that held secrets since it was last asked. */
export function takeLeaks(): string[] {
  return leaks.splice(0)
}

/** Looks at what something wrote to a log. */
export function noteLeaks(text: string): void {
  leaks.push(...text.split('\n').filter((line) => SECRETS.some((secret) => secret.test(line))))
}
