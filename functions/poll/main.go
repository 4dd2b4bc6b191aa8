// Command poll is the scheduled function that drives every open job.
package main

import "emodrop/shared/app"

func main() { app.Start(app.Poll) }
