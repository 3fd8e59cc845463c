/** The body of a page, by its kind. */
import type { Page } from '../page.ts';
import { Run } from './run.tsx';

export function Kind({ page }: { page: Page }) {
  switch (page.kind) {
    case 'run':
      return <Run page={page} />;
  }
}
