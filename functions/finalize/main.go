// Command finalize brings finished films into the outbox.
package main

import "emodrop/shared/app"

func main() { app.Start(app.Finalize) }
