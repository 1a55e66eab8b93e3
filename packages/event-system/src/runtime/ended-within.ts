/** Waits for work to end, well or not, and no longer than `ms`: resolves to whether it did. */
export async function endedWithin(ms: number, work: Promise<unknown> | undefined): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeIsUp = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false)
  })
  const ended = Promise.allSettled([work]).then(() => true)
  return Promise.race([ended, timeIsUp]).finally(() => clearTimeout(timer))
}
