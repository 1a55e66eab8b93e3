/** What went wrong between the client and a service that is to be reached by TLS, by the code of the error. */
const FAILURES: readonly (readonly [code: RegExp, says: string])[] = [
  [/^CERT_HAS_EXPIRED$/, 'its certificate has expired; it needs a new one'],
  [/^CERT_NOT_YET_VALID$/, 'its certificate is not valid yet; is the clock of this machine right'],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    'its certificate is for another name; if it is the right service, say that name as serverName of tlsFetch'
  ],
  [
    /^(DEPTH_ZERO_)?SELF_SIGNED_CERT|^UNABLE_TO_(VERIFY|GET_ISSUER)|^CERT_(UNTRUSTED|SIGNATURE_FAILURE)$/,
    'its certificate is of no authority that is trusted here; give that of its authority as caFile of tlsFetch, or as --ca (EVENT_CLIENT_CA_FILE)'
  ],
  [
    /ALERT_(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)$/,
    'it wants a client certificate; give one as certFile and keyFile of tlsFetch, or as --cert and --cert-key (EVENT_CLIENT_CERT_FILE, EVENT_CLIENT_KEY_FILE)'
  ],
  [
    /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_\w+|UNSUPPORTED_CERTIFICATE|DECRYPT_ERROR)$/,
    'it refused the client certificate: is it of an authority that the service trusts, and still valid'
  ],
  [
    /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/,
    'it speaks no TLS there; a URL that begins with http:// is for that'
  ]
]

/** What a failure of TLS means, and what to do; undefined for any other, and where the runtime does not tell. */
export function tlsFailure(error: unknown): string | undefined {
  const { cause } = (error ?? {}) as { cause?: { code?: unknown } | null }
  const code = cause?.code ?? (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? FAILURES.find(([pattern]) => pattern.test(code))?.[1] : undefined
}
