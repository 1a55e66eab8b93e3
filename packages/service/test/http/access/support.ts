import { Documents } from '@tradpal/event-system'
import { ApiKeys } from '@tradpal/event-system/access'
import type { RunningService } from '../../../src/index.ts'
import { type Answer, get, type LogKind, post, serviceOver } from '../support/test-service.ts'

const clock = { now: () => Date.now(), sleep: async () => {} }

/** The headers of a principal with a new API key. */
export async function keyHeaders(
  { system }: RunningService,
  name: string,
  scopes: readonly string[],
  more: { readonly sources?: readonly string[] } = {}
): Promise<Record<string, string>> {
  const { key } = await new ApiKeys(new Documents(system.storage), clock).create({
    name,
    scopes,
    ...more,
    by: 'a test'
  })
  return { authorization: `Bearer ${key}` }
}

/** Somebody who speaks to a service with an API key. */
export interface Caller {
  get(path: string, headers?: Record<string, string>): Promise<Answer>
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  patch(path: string, body: unknown): Promise<Answer>
  delete(path: string, body?: unknown): Promise<Answer>
}

/** A service that asks for credentials, and how to call it as somebody. */
export async function guardedService(kind: LogKind = 'sqlite', environment: Record<string, string> = {}) {
  const service = await serviceOver(kind, { EVENT_AUTH: 'required', ...environment })
  const as = async (
    name: string,
    scopes: readonly string[],
    more: { readonly sources?: readonly string[] } = {}
  ): Promise<Caller> => callerWith(service.url, await keyHeaders(service, name, scopes, more))
  return { service, url: service.url, as }
}

export function callerWith(url: string, credentials: Record<string, string>): Caller {
  return {
    get: (path, headers = {}) => get(`${url}${path}`, { headers: { ...credentials, ...headers } }),
    post: (path, body, headers = {}) => post(`${url}${path}`, body, { ...credentials, ...headers }),
    patch: (path, body) =>
      get(`${url}${path}`, {
        method: 'PATCH',
        headers: { ...credentials, 'content-type': 'application/json' },
        body: JSON.stringify(body)
      }),
    delete: (path, body) =>
      get(`${url}${path}`, {
        method: 'DELETE',
        headers: { ...credentials, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) })
      })
  }
}
