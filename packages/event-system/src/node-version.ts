/** The entries of the package import this first: an older Node fails on it with a sentence, and not on what it lacks. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 22)) {
  throw new Error(`@tradpal/event-system needs Node 22.22 or later; this is ${process.version}.`)
}
