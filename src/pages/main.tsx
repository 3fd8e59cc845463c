/** Runs in the browser: renders the data of the page, and again whenever the server of a live page sends a new state. */
import { render } from 'preact';
import { Frame } from './components/frame.tsx';
import { Kind } from './kinds/kind.tsx';
import type { Page } from './page.ts';

const root = document.getElementById('page')!;
const show = (page: Page): void =>
  render(
    <Frame page={page}>
      <Kind page={page} />
    </Frame>,
    root,
  );

root.replaceChildren();
show(JSON.parse(document.getElementById('data')!.textContent ?? '') as Page);
document.documentElement.dataset.ready = String(Math.round(performance.now()));

const live = document.querySelector<HTMLMetaElement>('meta[name="tributary-live"]')?.content;
if (live !== undefined)
  new EventSource(live).onmessage = (event: MessageEvent<string>) => show(JSON.parse(event.data) as Page);
