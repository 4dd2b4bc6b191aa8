// Command callback answers the vendor's completion push.
package main

import "emodrop/shared/app"

func main() { app.Start(app.Callback) }
