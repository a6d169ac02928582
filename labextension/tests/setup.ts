/** What Jupyter's packages expect of a browser and jsdom lacks. */
if (typeof window !== 'undefined') {
  Object.assign(window, {
    DragEvent: class extends MouseEvent {},
    requestIdleCallback: (callback: () => void) => window.setTimeout(callback),
    cancelIdleCallback: (handle: number) => {
      window.clearTimeout(handle);
    },
    matchMedia: (media: string) => ({
      media,
      matches: false,
      addEventListener: () => undefined,
      removeEventListener: () => undefined,
      addListener: () => undefined,
      removeListener: () => undefined
    })
  });
}
