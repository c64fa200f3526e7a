/** Begins uploads a few at a time: the server limits how many unfinished ones a person has, and each needs the line. */
export class UploadQueue {
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(private readonly most: number) {}

  /** Calls `begin` now or when its turn comes; the function returned ends the turn, or the waiting for it. */
  add(begin: () => void): () => void {
    let state: "waiting" | "running" | "over" = "waiting";
    const start = () => {
      state = "running";
      this.running += 1;
      begin();
    };
    if (this.running < this.most) start();
    else this.waiting.push(start);
    return () => {
      if (state === "waiting") this.waiting.splice(this.waiting.indexOf(start), 1);
      if (state === "running") {
        this.running -= 1;
        this.waiting.shift()?.();
      }
      state = "over";
    };
  }
}
