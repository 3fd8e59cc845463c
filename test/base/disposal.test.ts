import { expect, test, vi } from 'vitest';
import { closable, createHandle, onAbort } from '../../src/base/disposal.ts';

test('a signal calls back once: when it is aborted, at once if it is already, never after listening ended', () => {
  const [early, late, forgotten] = [vi.fn(), vi.fn(), vi.fn()];
  const controller = new AbortController();
  onAbort(controller.signal, early);
  onAbort(controller.signal, forgotten)();
  controller.abort();
  controller.abort();
  onAbort(controller.signal, late);
  expect([early.mock.calls.length, late.mock.calls.length, forgotten.mock.calls.length]).toEqual([1, 1, 0]);
});

/** Work that ends when it is asked to, a moment later. */
function work(signal?: AbortSignal) {
  let end: (how: string) => void = () => {};
  const finished = new Promise<string>((resolve) => {
    end = resolve;
  });
  const stop = vi.fn(() => void setTimeout(() => end('stopped'), 5));
  return { handle: createHandle(finished, stop, signal), stop };
}

test('a handle is stopped by itself, by its signal, and by being disposed of, which waits for the end', async () => {
  const controller = new AbortController();
  const { handle, stop } = work(controller.signal);
  controller.abort();
  expect(await handle.finished).toBe('stopped');
  expect(stop).toHaveBeenCalledOnce();

  const other = work();
  const ended = vi.fn();
  void other.handle.finished.then(ended);
  await other.handle[Symbol.asyncDispose]();
  expect(ended).toHaveBeenCalledOnce();
});

test('disposing of work that failed does not throw: its end does', async () => {
  const handle = createHandle(Promise.reject(new Error('failed')), () => {}, undefined);
  await handle[Symbol.asyncDispose]();
  await expect(handle.finished).rejects.toThrow('failed');
});

test('what is closable closes by the close of the object that it was spread into last', async () => {
  const [inner, outer] = [vi.fn(), vi.fn()];
  const first = { ...closable, close: async () => void inner() };
  const second = { ...first, close: async () => void outer() };
  await second[Symbol.asyncDispose]();
  expect([inner.mock.calls.length, outer.mock.calls.length]).toEqual([0, 1]);
});
