/** Resolves when the condition holds; fails the test when it does not within the deadline. */
export async function waitFor(condition: () => boolean, what: string, deadlineMs = 5_000): Promise<void> {
  const end = Date.now() + deadlineMs
  while (!condition()) {
    if (Date.now() > end) throw new Error(`Waited ${deadlineMs} ms in vain: ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
