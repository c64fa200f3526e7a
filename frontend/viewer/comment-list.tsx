/** @jsxImportSource preact */
/** Comments below the plots: a form for the current frame, and the list; each opens its frame. */

import { useEffect, useState } from "preact/hooks";
import type { Clock } from "./clock";
import { type CommentInfo, type Comments, JOINT_NAMES, jointOf } from "./comments";
import type { ViewModel } from "./view-model";

interface CommentsProps {
  model: ViewModel;
  comments: Comments;
  clock: Clock;
}

export function CommentList({ model, comments, clock }: CommentsProps) {
  const all = comments.all.value;
  const resolved = (all?.length ?? 0) - comments.open.value.length;
  const listed = comments.showsResolved.value ? all : comments.open.value;
  const selected = all?.find(({ id }) => id === comments.selected.value);
  const frame = model.frame.value;
  useEffect(() => {
    if (selected && frame !== selected.frame) comments.selected.value = "";
  }, [selected, frame, comments]);
  return (
    <section class="comments" aria-label="Comments">
      <div class="comments-head">
        <h2>Comments</h2>
        {all !== null && <span class="count">{comments.open.value.length} open</span>}
        {resolved > 0 && (
          <label>
            <input
              type="checkbox"
              checked={comments.showsResolved.value}
              onChange={(event) => {
                comments.showsResolved.value = event.currentTarget.checked;
              }}
            />{" "}
            Show {resolved} resolved
          </label>
        )}
      </div>
      {comments.problem.value && (
        <p class="problem" role="status">
          {comments.problem.value}
        </p>
      )}
      {comments.rights.can_write && <CommentForm model={model} comments={comments} />}
      {listed?.length ? (
        <ol>
          {listed.map((comment) => (
            <Comment key={comment.id} comment={comment} model={model} comments={comments} clock={clock} />
          ))}
        </ol>
      ) : (
        all !== null && !comments.rights.can_write && <p class="empty">No comments on this upload.</p>
      )}
    </section>
  );
}

function Comment({ comment, model, comments, clock }: CommentsProps & { comment: CommentInfo }) {
  const run = model.runs.find(({ id }) => id === comment.run);
  const joint = jointOf(comment);
  const show = () => {
    clock.pause();
    if (run) run.shown.value = true;
    comments.selected.value = comment.id;
    clock.seek(comment.frame, "button");
  };
  const names = ["comment"];
  if (comment.is_resolved) names.push("resolved");
  if (comments.selected.value === comment.id) names.push("selected");
  return (
    <li class={names.join(" ")} style={{ "--method": run?.info.value.colour }}>
      <p class="pin">
        <a
          href={comment.address}
          onClick={(event) => {
            event.preventDefault();
            show();
          }}
        >
          Frame {comment.frame}
        </a>
        {comment.method && (
          <span>
            {run && <span class="swatch small">{run.letter}</span>} {comment.method}
          </span>
        )}
        {joint && <span>{joint}</span>}
      </p>
      <p class="words">{comment.text}</p>
      <p class="by">
        <span>
          {comment.author ?? "a former member"}, <time dateTime={comment.created_at}>{written(comment.created_at)}</time>
          {comment.is_resolved && ", resolved"}
        </span>
        {comments.rights.can_write && (
          <button
            type="button"
            class="text"
            aria-label={`${comment.is_resolved ? "Open" : "Resolve"} the comment on frame ${comment.frame}`}
            onClick={() => void comments.resolve(comment, !comment.is_resolved)}
          >
            {comment.is_resolved ? "Open again" : "Resolve"}
          </button>
        )}
        {comments.canDelete(comment) && (
          <button
            type="button"
            class="text"
            aria-label={`Delete the comment on frame ${comment.frame}`}
            onClick={() => void comments.remove(comment)}
          >
            Delete
          </button>
        )}
      </p>
    </li>
  );
}

function CommentForm({ model, comments }: { model: ViewModel; comments: Comments }) {
  const [text, setText] = useState("");
  const [run, setRun] = useState("");
  const [joint, setJoint] = useState("");
  const frame = model.frame.value;
  const send = async (event: Event) => {
    event.preventDefault();
    const [side = "", number = ""] = joint.split(" ");
    const about = { run: run || null, side: side as CommentInfo["side"], joint: number === "" ? null : Number(number) };
    if (await comments.add({ frame, text, ...about })) setText("");
  };
  return (
    <form onSubmit={send}>
      <textarea
        rows={2}
        maxLength={2000}
        required
        placeholder={`What is there to see in frame ${frame}?`}
        aria-label={`Comment on frame ${frame}`}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <div class="row">
        <select aria-label="Method" value={run} onChange={(event) => setRun(event.currentTarget.value)}>
          <option value="">no method</option>
          {model.runs.map((each) => (
            <option key={each.id} value={each.id}>{`${each.letter} ${each.title.value}`}</option>
          ))}
        </select>
        <select aria-label="Joint" value={joint} onChange={(event) => setJoint(event.currentTarget.value)}>
          <option value="">no joint</option>
          {(["left", "right"] as const).map((side) => (
            <optgroup key={side} label={`${side} hand`}>
              {JOINT_NAMES.map((name, number) => (
                <option key={name} value={`${side} ${number}`}>{`${side} ${name}`}</option>
              ))}
            </optgroup>
          ))}
        </select>
        <button type="submit" class="small">
          Comment on frame {frame}
        </button>
      </div>
    </form>
  );
}

const written = (time: string) => new Date(time).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });
