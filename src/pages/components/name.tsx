/** A name from data: text with a direction of its own. A word that no line can hold may break anywhere. */
export const Name = ({ of }: { of: string }) => <bdi class={/\S{22}/.test(of) ? 'long' : undefined}>{of}</bdi>;
