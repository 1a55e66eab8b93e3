import newValidatorFactory from '@fastify/ajv-compiler'
import newSerializerFactory, { type Serializer, type SerializerCompiler } from '@fastify/fast-json-stringify-compiler'

const compile = newSerializerFactory()()
const serializers = new WeakMap<object, Serializer>()

const compileOnce: SerializerCompiler = (route) => {
  const schema = route.schema as object
  const serializer = serializers.get(schema) ?? compile(route)
  serializers.set(schema, serializer)
  return serializer
}

/**
 * The compilers of schemas for Fastify. A schema is compiled once in a process: most endpoints share schemas, such as that of a problem,
 * and all apps of a process have the same. A schema is made once for that, and not with each app.
 */
export const compilersFactory = {
  /** One Ajv for all apps with the same options. It knows by the schema what it has compiled. */
  buildValidator: newValidatorFactory(),
  buildSerializer: () => compileOnce
}
