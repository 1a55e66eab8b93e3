import type { X509Certificate } from 'node:crypto'
import { ANONYMOUS } from '@tradpal/event-system/access'

/** A name that a policy can say. With a `*` it would stand for others, too. */
const NAME = /^[^*\p{Cc}]{1,200}$/u

/** Whose a client certificate is: its first URI, else its first DNS name, else its first e-mail address, else its common name. Undefined when that is no name for a principal. */
export function nameOf(certificate: X509Certificate): string | undefined {
  const names = alternativeNames(certificate.subjectAltName ?? '')
  const first = (kind: string) => names.find((name) => name.kind === kind)?.value
  const name = first('URI') ?? first('DNS') ?? first('email') ?? commonName(certificate)
  return name !== undefined && NAME.test(name) && name !== ANONYMOUS ? name : undefined
}

/** `URI:a, DNS:b`, as Node writes them: in quotes, as JSON, what has other than plain characters in it. */
function alternativeNames(text: string): { kind: string; value: string }[] {
  return [...text.matchAll(/([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/g)].map(([, kind = '', value = '']) => ({
    kind,
    value: value.startsWith('"') ? String(JSON.parse(value)) : value
  }))
}

function commonName(certificate: X509Certificate): string | undefined {
  const name: unknown = certificate.toLegacyObject().subject?.CN
  return typeof name === 'string' ? name : undefined
}
