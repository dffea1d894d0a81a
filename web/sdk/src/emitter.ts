/**
 * Typed events, nothing else: who listens to what, and telling them in the order in which they came.
 *
 * A listener that throws does not keep the others from hearing; its error is thrown again in a task of its own,
 * where the page's error handling finds it.
 */

type Listener<T> = (value: T) => void;

export class Emitter<Table extends object> {
  readonly #listeners = new Map<keyof Table, Set<Listener<never>>>();

  /** Listens; the answer ends it. */
  on<K extends keyof Table>(name: K, listener: Listener<Table[K]>): () => void {
    let set = this.#listeners.get(name);
    if (!set) this.#listeners.set(name, (set = new Set()));
    set.add(listener as Listener<never>);
    return () => set.delete(listener as Listener<never>);
  }

  /** The next one only. */
  once<K extends keyof Table>(name: K): Promise<Table[K]> {
    return new Promise((resolve) => {
      const off = this.on(name, (value) => {
        off();
        resolve(value);
      });
    });
  }

  protected emit<K extends keyof Table>(name: K, value: Table[K]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      try {
        (listener as Listener<Table[K]>)(value);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
