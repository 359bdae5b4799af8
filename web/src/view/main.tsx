import "./main.css";
import { createDoor } from "../client/door.ts";
import { start } from "./start.tsx";

const root = document.getElementById("app");
if (root !== null) start(createDoor(), root);
