import type { Environment } from '@tradpal/event-system'

/** The address of a Service's port, as Kubernetes writes it: `tcp://10.0.0.1:8011`, `tcp://[fd00::1]:8011`. */
const SERVICE_LINK = /^(?:tcp|udp|sctp):\/\/\[?(.+?)\]?:(\d+)$/i

/**
 * The variables of the service that have a value from Kubernetes, which sets variables in every pod for each Service. For a
 * Service named `event-service`, EVENT_SERVICE_PORT is an address. For one named `event`, EVENT_SERVICE_HOST and
 * EVENT_SERVICE_PORT are those of the Service, and EVENT_PORT is the address that they make.
 */
export function serviceLinksIn(environment: Environment): readonly string[] {
  const { EVENT_SERVICE_HOST: host, EVENT_SERVICE_PORT: port = '', EVENT_PORT: link = '' } = environment
  if (SERVICE_LINK.test(port)) return ['EVENT_SERVICE_PORT']
  const [, linkedHost, linkedPort] = SERVICE_LINK.exec(link) ?? []
  if (linkedHost === undefined || linkedHost !== host) return []
  return port === linkedPort ? ['EVENT_SERVICE_HOST', 'EVENT_SERVICE_PORT'] : ['EVENT_SERVICE_HOST']
}
