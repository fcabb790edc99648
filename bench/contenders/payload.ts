/** What enqueued tasks carry where only enqueueing is measured: about a hundred bytes of JSON. */

/** The payload. */
export interface EnqueuePayload {
  readonly image: string;
  readonly width: number;
  readonly height: number;
  readonly format: string;
}

/** The same for every contender and every task: about 100 bytes as JSON. */
export const ENQUEUE_PAYLOAD: EnqueuePayload = {
  image: 'uploads/2024/05/17/4f8a1c0e-holiday-at-the-sea.jpg',
  width: 1280,
  height: 720,
  format: 'webp',
};
