import { render } from "preact";

import "./main.css";

const root = document.getElementById("app");
if (root) render(<main>zchat</main>, root);
