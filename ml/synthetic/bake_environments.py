"""Make `environments.npz` from the npm package `@pmndrs/assets` (CC0).

`OPENCV_IO_ENABLE_OPENEXR=1 python -m ml.synthetic.bake_environments PACKAGE`, where PACKAGE is the unpacked package
(`npm pack @pmndrs/assets@1.7.0`). Of each HDR image a small map is kept for light, and a tone-mapped JPEG for backgrounds.
"""

from __future__ import annotations

import argparse
import base64
import re
from pathlib import Path

import cv2
import numpy as np

from ml.synthetic.environment import ASSET, LIGHT_SHAPE, VIEW_SHAPE


def bake(package: Path) -> dict[str, np.ndarray]:
    """The arrays of the asset: `names`, `light` float16 [n, 16, 32, 3], and one JPEG `view_NAME` for each."""
    arrays: dict[str, np.ndarray] = {}
    names, lights = [], []
    for path in sorted((package / "hdri").glob("*.exr.js")):
        found = re.search(r"base64,([A-Za-z0-9+/=]+)", path.read_text())
        if found is None:
            raise SystemExit(f"{path} holds no base64 data, expected an EXR image of @pmndrs/assets 1.7.0")
        encoded = np.frombuffer(base64.b64decode(found[1]), np.uint8)
        decoded = cv2.imdecode(encoded, cv2.IMREAD_UNCHANGED)
        if decoded is None:
            raise SystemExit(f"{path} cannot be decoded; OpenCV reads EXR only with OPENCV_IO_ENABLE_OPENEXR=1")
        image = np.nan_to_num(np.clip(decoded[..., :3].astype(np.float32), 0, 200))
        light = cv2.resize(image, LIGHT_SHAPE[::-1], interpolation=cv2.INTER_AREA)[..., ::-1]
        # every environment is made equally bright; exposure is drawn with each clip
        scale = 0.5 / float(np.median(image.mean(-1)) + 0.3 * image.mean())
        shown = cv2.resize(np.clip(scale * image, 0, 4), VIEW_SHAPE[::-1], interpolation=cv2.INTER_AREA)
        tone = np.clip(255 * (shown / (1 + 0.6 * shown)) ** (1 / 2.2), 0, 255).astype(np.uint8)
        name = path.name.removesuffix(".exr.js")
        names.append(name)
        lights.append(scale * light)
        arrays[f"view_{name}"] = cv2.imencode(".jpg", tone, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].reshape(-1)
    return {"names": np.array(names), "light": np.stack(lights).astype(np.float16), **arrays}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make environments.npz from @pmndrs/assets.")
    parser.add_argument("package", type=Path)
    arrays = bake(parser.parse_args().package)
    np.savez_compressed(ASSET, **arrays)  # type: ignore[arg-type]
    print(f"{ASSET}: {len(arrays['names'])} environments, {ASSET.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
