/**
 * NDCG@k and MAP@k of one ranked list after another. Rows with equal scores stand in any order: the metrics are their expected
 * values over all of these (McSherry, Najork: Computing information retrieval performance measures efficiently in the presence
 * of tied scores, ECIR 2008), so that they do not depend on how rows were ordered.
 */

export class TopOfList {
  readonly #k: number;
  readonly #discounts: Float64Array;
  /** Labels of 1 and rows of each tie, in rising order of the score: those that the first k rows of the list can be of. */
  readonly #ties: { positives: number; rows: number }[] = [];
  #first = 0;
  /** Rows of the ties from `#first` on, and labels of 1 of the whole list. */
  #rows = 0;
  #positives = 0;

  /** @param k rows of a list that count */
  constructor(k: number) {
    this.#k = k;
    this.#discounts = Float64Array.from({ length: k }, (_, i) => 1 / Math.log2(i + 2));
  }

  /** Rows of the next higher score. */
  add(positives: number, rows: number): void {
    this.#ties.push({ positives, rows });
    this.#rows += rows;
    this.#positives += positives;
    while (this.#rows - this.#ties[this.#first].rows >= this.#k) this.#rows -= this.#ties[this.#first++].rows;
    if (this.#first > 1024 && this.#first > this.#ties.length / 2) {
      this.#ties.splice(0, this.#first);
      this.#first = 0;
    }
  }

  /** Ends the list, and begins the next one. Undefined for a list without a label of 1. */
  end(): { ndcg: number; map: number } | undefined {
    const k = this.#k;
    const best = Math.min(this.#positives, k);
    let gain = 0; // discounted, expected
    let precisions = 0; // expected sum, at the ranks of labels of 1
    let above = 0;
    let found = 0;
    for (let i = this.#ties.length - 1; i >= this.#first && above < k; i--) {
      const { positives, rows } = this.#ties[i];
      const share = positives / rows;
      const more = rows === 1 ? 0 : (positives - 1) / (rows - 1); // share of 1 among the others, given a 1
      for (let j = 0; positives > 0 && j < rows && above + j < k; j++) {
        gain += share * this.#discounts[above + j];
        precisions += (share * (found + 1 + j * more)) / (above + j + 1);
      }
      above += rows;
      found += positives;
    }
    let ideal = 0;
    for (let rank = 0; rank < best; rank++) ideal += this.#discounts[rank];
    this.#ties.length = 0;
    this.#first = this.#rows = this.#positives = 0;
    return best === 0 ? undefined : { ndcg: gain / ideal, map: precisions / best };
  }
}
