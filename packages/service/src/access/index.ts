/**
 * Credentials of requests. An API key, a token or a client certificate proves an identity, which the policy makes a `Principal`
 * (`@tradpal/event-system/access`); each endpoint says which scope it needs (`http/guard.ts`). Nothing here knows HTTP.
 */
export { Access, type ClientCertificate, type Credentials } from './access.ts'
export { forwardedAddresses, isPrivateAddress, networkOf } from './addresses.ts'
export { type AccessConfiguration, asksForCredentials, readAccess, type TlsFiles } from './configuration.ts'
