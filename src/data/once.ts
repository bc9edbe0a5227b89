/** What takes long to load is loaded once in a process, and kept. */
export function once<T>(load: () => T): () => T {
  let loaded: { value: T } | undefined;
  return () => {
    loaded ??= { value: load() };
    return loaded.value;
  };
}

/** The same for several things by their keys. */
export function onceByKey<T>(): (key: string, load: () => T) => T {
  const loaded = new Map<string, T>();
  return (key, load) => {
    const known = loaded.get(key);
    if (known !== undefined) return known;
    const value = load();
    loaded.set(key, value);
    return value;
  };
}
