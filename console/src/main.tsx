import { createRoot } from "react-dom/client";
import { App } from "./App";
import { applyTheme } from "./layout/theme";
import { resumed } from "./session/apiToken";
import { begin } from "./session/session";
import "./style/base.css";
import "./style/parts.css";
import "./style/table.css";
import "./style/overlay.css";
import "./style/run.css";
import "./style/pages.css";

applyTheme();
const session = resumed();
if (session) begin(session);

const root = document.getElementById("root");
if (root) createRoot(root).render(<App />);
