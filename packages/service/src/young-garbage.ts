import { setFlagsFromString } from 'node:v8'

/**
 * V8 takes kinds of objects that have outlived a few collections for lasting and makes them in its old space from then on. Of what a
 * service makes, requests, events and answers, nothing lasts: but a burst looks so, and then all that hangs on it waits for full
 * collections, which cost a tenth of the throughput and more. To be called before the first request.
 */
export function keepGarbageYoung(): void {
  setFlagsFromString('--no-allocation-site-pretenuring')
}
