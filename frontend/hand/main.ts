/** A hand at rest that turns slowly, with its length and width drawn on it: `[data-hand]` holds the address of its GLB. */
import {
  AmbientLight,
  Box3,
  BufferGeometry,
  DirectionalLight,
  Group,
  Line,
  LineBasicMaterial,
  type Mesh,
  MeshStandardMaterial,
  PerspectiveCamera,
  Scene,
  Vector3,
  WebGLRenderer,
} from "three";
import { GLTFLoader } from "three/addons/loaders/GLTFLoader.js";

const TURN_SECONDS = 14;

function colour(name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function span(from: Vector3, to: Vector3): Line {
  return new Line(
    new BufferGeometry().setFromPoints([from, to]),
    new LineBasicMaterial({ color: colour("--accent"), depthTest: false }),
  );
}

/** Length and width as lines across the hand's own box: fingers point along its longest axis. */
function measures(box: Box3): Group {
  const group = new Group();
  const middle = box.getCenter(new Vector3());
  const size = box.getSize(new Vector3());
  const axes = (["x", "y", "z"] as const).toSorted((a, b) => size[b] - size[a]);
  const [along, across, through] = axes as ["x" | "y" | "z", "x" | "y" | "z", "x" | "y" | "z"];
  const ends = (axis: "x" | "y" | "z") =>
    [box.min, box.max].map((end) => {
      const point = middle.clone();
      point[axis] = end[axis];
      point[through] = box.max[through];
      return point;
    }) as [Vector3, Vector3];
  group.add(span(...ends(along)), span(...ends(across)));
  return group;
}

async function show(place: HTMLElement): Promise<void> {
  const gltf = await new GLTFLoader().loadAsync(place.dataset.hand as string);
  const renderer = new WebGLRenderer({ antialias: true, alpha: true });
  const size = Math.min(place.clientWidth || 320, 360);
  renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
  renderer.setSize(size, size);
  place.replaceChildren(renderer.domElement);
  const legend = document.createElement("p");
  legend.className = "sizes";
  legend.textContent = `${place.dataset.length} × ${place.dataset.width}`;
  place.append(legend);
  const scene = new Scene();
  const turning = new Group();
  gltf.scene.traverse((node) => {
    if ((node as Mesh).isMesh) {
      (node as Mesh).geometry.computeVertexNormals();
      (node as Mesh).material = new MeshStandardMaterial({ color: "#c9a58c", roughness: 0.75 });
    }
  });
  const box = new Box3().setFromObject(gltf.scene);
  const middle = box.getCenter(new Vector3());
  gltf.scene.position.sub(middle);
  const lines = measures(box);
  lines.position.sub(middle);
  turning.add(gltf.scene, lines);
  scene.add(turning, new AmbientLight(0xffffff, 1.2));
  const lamp = new DirectionalLight(0xffffff, 2.2);
  lamp.position.set(0.4, 0.7, 1);
  scene.add(lamp);
  const camera = new PerspectiveCamera(30, 1, 0.01, 10);
  camera.position.set(0, 0.08, 2.1 * box.getSize(new Vector3()).length());
  camera.lookAt(0, 0, 0);
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const draw = (time: number) => {
    if (!place.isConnected) return renderer.dispose();
    turning.rotation.y = still ? 0.5 : (2 * Math.PI * time) / 1000 / TURN_SECONDS;
    renderer.render(scene, camera);
    if (!still) requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
}

function showAll(): void {
  for (const place of document.querySelectorAll<HTMLElement>("[data-hand]:empty")) {
    show(place).catch((error: unknown) => {
      place.textContent = `The hand cannot be drawn here (${error instanceof Error ? error.message : "no WebGL"}).`;
    });
  }
}

showAll();
document.addEventListener("htmx:load", showAll);
