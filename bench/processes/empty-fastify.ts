import fastify from 'fastify'

/** What the HTTP figures are compared with: it parses the body, as JSON, and answers a constant. */
const app = fastify()
app.post('/events', async () => ({ message_id: '0-0', event_id: 'none', status: 'published' }))
app.post('/events/batch', { bodyLimit: 16 * 1024 * 1024 }, async () => ({ status: 'published' }))
console.log(await app.listen({ port: 0, host: '127.0.0.1' }))
process.on('SIGTERM', () => app.close())
