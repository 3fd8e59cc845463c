/** Numbers groups of rows 0, 1, 2 ... in the order in which they are met. A row without a group (-1) is a group of its own. */
export class GroupNumbers {
  readonly #numbers = new Map<number, number>();
  #count = 0;

  of(group: number): number {
    const known = this.#numbers.get(group);
    if (known !== undefined) return known;
    if (group >= 0) this.#numbers.set(group, this.#count);
    return this.#count++;
  }

  get count(): number {
    return this.#count;
  }
}
