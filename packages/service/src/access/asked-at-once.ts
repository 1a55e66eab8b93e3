/**
 * One answer for all who ask the same at the same moment: in one run of code, before anything can have been looked at for the first
 * of them. Whoever asks later is looked at anew, so that nobody gets an answer from before the question.
 */
export class AskedAtOnce<Answer> {
  readonly #answers = new Map<string, Promise<Answer>>()

  ask(question: string, find: () => Promise<Answer>): Promise<Answer> {
    const known = this.#answers.get(question)
    if (known !== undefined) return known
    queueMicrotask(() => this.#answers.delete(question))
    const answer = find()
    this.#answers.set(question, answer)
    return answer
  }
}
