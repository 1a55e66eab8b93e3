/** The texts of a kind in a file in PEM, each by itself. */
export function textsIn(pem: Buffer, kind: 'CERTIFICATE' | 'X509 CRL'): string[] {
  return pem.toString('latin1').match(new RegExp(`-----BEGIN ${kind}-----[\\s\\S]*?-----END ${kind}-----`, 'g')) ?? []
}
