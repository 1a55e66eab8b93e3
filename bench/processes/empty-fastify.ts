import fastify, { type FastifyInstance } from 'fastify'

/** What the HTTP figures are compared with: it takes up requests as the service does, parses the body, as JSON, and answers a constant. */
const app = fastify()
handleInCohorts(app)
app.post('/events', async () => ({ message_id: '0-0', event_id: 'none', status: 'published' }))
app.post('/events/batch', { bodyLimit: 16 * 1024 * 1024 }, async () => ({ status: 'published' }))
console.log(await app.listen({ port: 0, host: '127.0.0.1' }))
process.on('SIGTERM', () => app.close())

/** As `handleInCohorts` of the service: requests of one turn of the event loop are handled together at its end. A framework without it answers fewer. */
function handleInCohorts(app: FastifyInstance): void {
  let cohort: (() => void)[] = []
  const goOn = () => {
    const requests = cohort
    cohort = []
    for (const next of requests) next()
  }
  app.addHook('onRequest', (_request, _reply, next) => {
    if (cohort.push(next) === 1) setImmediate(goOn)
  })
}
