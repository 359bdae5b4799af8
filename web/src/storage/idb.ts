/** IndexedDB as promises. */

export function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** Once all of it is committed. Rejects with the reason, as that the disk is full. */
export function committed(transaction: IDBTransaction): Promise<void> {
  const done = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () =>
      reject(transaction.error ?? new DOMException("it was taken back", "AbortError"));
  });
  // Whoever fails inside the transaction never comes to wait for its end.
  done.catch(() => undefined);
  return done;
}

export function opened(
  name: string,
  version: number,
  upgrade: (database: IDBDatabase, from: number) => void,
): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, version);
    request.onupgradeneeded = ({ oldVersion }) => upgrade(request.result, oldVersion);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new DOMException("an older page has it open", "AbortError"));
  });
}

export function deleted(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name);
    request.onsuccess = () => resolve();
    // Other tabs let go of it when they are told; it is deleted then.
    request.onblocked = () => resolve();
    request.onerror = () => reject(request.error);
  });
}
