/** Runs in the browser: renders the data of the page, and again whenever the server of a live page sends a new state. */
import { render } from 'preact';
import { Frame } from './components/frame.tsx';
import { Kind } from './kinds/kind.tsx';
import type { Page } from './page.ts';

const root = document.getElementById('page')!;

function show(page: Page): void {
  render(
    <Frame page={page}>
      <Kind page={page} />
    </Frame>,
    root,
  );
}

/** The data inside the file; large ones are compressed. */
async function ownPage(): Promise<Page> {
  const element = document.getElementById('data')!;
  const text = element.textContent ?? '';
  if (element.dataset.encoding !== 'gzip') return JSON.parse(text);
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return JSON.parse(await new Response(stream).text());
}

show(await ownPage());
// After the next frame, all charts have been drawn.
requestAnimationFrame(() => {
  document.documentElement.dataset.ready = String(Math.round(performance.now()));
});

const live = document.querySelector<HTMLMetaElement>('meta[name="tributary-live"]')?.content;
if (live !== undefined)
  new EventSource(live).onmessage = (event: MessageEvent<string>) => show(JSON.parse(event.data) as Page);
