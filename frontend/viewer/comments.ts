/** Comments on frames of the upload: what the page knows of them, and what it does with them. */

import { computed, signal } from "@preact/signals";
import type { Addresses } from "./addresses";
import { type PageData, request } from "./api";

export interface CommentInfo {
  id: string;
  frame: number;
  run: string | null;
  /** Title of its method, also when the run has been deleted; empty for none. */
  method: string;
  side: "left" | "right" | "";
  joint: number | null;
  text: string;
  author: string | null;
  created_at: string;
  is_resolved: boolean;
  address: string;
}

export type NewComment = Pick<CommentInfo, "frame" | "text" | "run" | "joint" | "side">;
type Rights = NonNullable<PageData["comments"]>;

const FINGERS = ["thumb", "index", "middle", "ring", "pinky"];
/** The 21 joints as people read them, in the order of predictions. */
export const JOINT_NAMES = ["wrist", ...FINGERS.flatMap((finger) => [1, 2, 3, 4].map((n) => `${finger} ${n}`))];

/** What a comment is about besides its frame, such as "left thumb 4"; empty for nothing. */
export function jointOf({ side, joint }: Pick<CommentInfo, "side" | "joint">): string {
  return joint === null ? "" : `${side} ${JOINT_NAMES[joint] ?? `joint ${joint}`}`;
}

/** By frame, then as they were written. */
export function inOrder(comments: readonly CommentInfo[]): CommentInfo[] {
  return [...comments].sort((a, b) => a.frame - b.frame || a.created_at.localeCompare(b.created_at));
}

export class Comments {
  /** All of the upload, by frame; null while they are loading. */
  readonly all = signal<CommentInfo[] | null>(null);
  readonly open = computed(() => (this.all.value ?? []).filter((comment) => !comment.is_resolved));
  readonly problem = signal("");
  /** Id of the one that is shown with its frame; empty for none. */
  readonly selected = signal("");
  readonly showsResolved = signal(false);

  constructor(
    private readonly at: Addresses,
    private readonly upload: string,
    readonly rights: Rights,
    selected: string,
  ) {
    this.selected.value = selected;
    void this.load();
  }

  canDelete(comment: CommentInfo): boolean {
    return this.rights.can_write && (this.rights.is_owner || comment.author === this.rights.email);
  }

  async load(): Promise<void> {
    await this.attempt(async () => {
      const found: CommentInfo[] = [];
      let next: string | null = this.at.comments(this.upload);
      while (next) {
        const page: { results: CommentInfo[]; next: string | null } = await request(next);
        found.push(...page.results);
        next = page.next;
      }
      this.all.value = inOrder(found);
    });
  }

  /** Whether it was kept. */
  async add(comment: NewComment): Promise<boolean> {
    return this.attempt(async () => {
      const made = await request<CommentInfo>(this.at.comments(this.upload), "POST", comment);
      this.all.value = inOrder([...(this.all.value ?? []), made]);
    });
  }

  async resolve(comment: CommentInfo, isResolved: boolean): Promise<void> {
    await this.attempt(async () => {
      const change = { is_resolved: isResolved };
      const changed = await request<CommentInfo>(this.at.comment(this.upload, comment.id), "PATCH", change);
      this.all.value = (this.all.value ?? []).map((other) => (other.id === changed.id ? changed : other));
    });
  }

  async remove(comment: CommentInfo): Promise<void> {
    await this.attempt(async () => {
      await request(this.at.comment(this.upload, comment.id), "DELETE");
      this.all.value = (this.all.value ?? []).filter((other) => other.id !== comment.id);
    });
  }

  private async attempt(action: () => Promise<void>): Promise<boolean> {
    try {
      this.problem.value = "";
      await action();
      return true;
    } catch (error) {
      this.problem.value = (error as Error).message;
      return false;
    }
  }
}
