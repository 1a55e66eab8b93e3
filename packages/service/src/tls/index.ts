/**
 * HTTPS: the certificate of the service and its key, which are read again when they change, and the certificates that
 * clients show. What a client may do who shows one is said in `access/`.
 */
export { type AskedConnection, connectionOf, isHttp2 } from './connection.ts'
export { ServiceTls } from './service-tls.ts'
