/** The entries of the package import this before all else of it: an older Node is refused in a sentence, and does not fail on what it lacks. */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 22 || (major === 22 && minor < 22)) {
  throw new Error(`@tradpal/event-system needs Node 22.22 or later; this is ${process.version}.`)
}
